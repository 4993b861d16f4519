"""The foreign shop's own manage.py: ``python tests/foreign_shop/manage.py check``."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    # Where a shop would have installed the five apps.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.foreign_shop.settings"
    execute_from_command_line(sys.argv)
