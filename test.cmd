@echo off
rem Runs the whole suite. Arguments go to pytest: "test.cmd tests\domain".
setlocal
cd /d "%~dp0"
call :find_python || exit /b 1
%PYTHON% packaging\prepare.py || exit /b 1
set PYTHONDONTWRITEBYTECODE=
set QT_QPA_PLATFORM=offscreen
.venv\Scripts\python.exe -m pytest -n 2 --dist loadscope %*
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
