@echo off
rem Opens the demo station. "run.cmd headless" runs the scripted day instead.
setlocal
cd /d "%~dp0"
call :find_python || exit /b 1
%PYTHON% packaging\prepare.py || exit /b 1
if /i "%~1"=="headless" goto headless
.venv\Scripts\python.exe -m station_emr demo --data-dir demo-station
exit /b %ERRORLEVEL%

:headless
set QT_QPA_PLATFORM=offscreen
set DAY=build\demo-days\%RANDOM%-%RANDOM%
echo Running the scripted day in %DAY%
.venv\Scripts\python.exe -m station_emr demo --script --json --data-dir "%DAY%"
exit /b %ERRORLEVEL%

:find_python
for %%p in ("py -3.12" "py -3.13" "py -3.11" "py -3" "python") do (
  %%~p -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul && (
    set "PYTHON=%%~p"
    exit /b 0
  )
)
echo Station EMR needs Python 3.11 or newer. Install Python 3.12 from python.org, then run this file again.
exit /b 1
