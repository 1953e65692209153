"""The named rules of the gateway and of those who know it, run over claims."""

from __future__ import annotations

from .rule import GROUPS, Rule, rule_named, rules
from .runner import NamedRules, check, check_all

__all__ = ["GROUPS", "NamedRules", "Rule", "check", "check_all", "rule_named", "rules"]
