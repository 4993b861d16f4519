"""``manage.py doctor``: what is wrong with this installation and what to do."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from maillog.doctor import examine


class Command(BaseCommand):
    help = "Examines the installation. Exit code 1 if something would lose or stop mail."

    def handle(self, *args: Any, **options: Any) -> None:
        styles = {
            "ok": self.style.SUCCESS,
            "warning": self.style.WARNING,
            "error": self.style.ERROR,
        }
        errors = 0
        for finding in examine():
            errors += finding.level == "error"
            mark = styles[finding.level](f"{finding.level:8}")
            self.stdout.write(f"{mark}{finding.name}: {finding.found}")
            if finding.hint:
                self.stdout.write(f"        {finding.hint}")
        if errors:
            sys.exit(1)
