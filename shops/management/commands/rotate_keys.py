"""``rotate_keys``: encrypts every stored secret with the first key of ``FIELD_KEYS``."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from shops import key_file, key_rotation
from shops.conf import conf
from shops.models import AuditEntry

RESTART = "Restart the services, so that all of them know it; then run rotate_keys."


class Command(BaseCommand):
    help = "Encrypts every stored secret with the first key of FIELD_KEYS. Sending goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        either = parser.add_mutually_exclusive_group()
        either.add_argument(
            "--new",
            action="store_true",
            help="first step: put a new key in front of those in the key file, and change no "
            "secret yet",
        )
        either.add_argument(
            "--drop-old",
            action="store_true",
            help="last step: take the other keys out of the key file once no secret needs them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.add_key()
        else:
            self.rotate()
            if options["drop_old"]:
                self.drop_old()

    def add_key(self) -> None:
        key_file.add_key(self.file("put a new key in front of FIELD_KEYS where you keep them"))
        AuditEntry.note("keys.added", shop=None, user=None)
        self.stdout.write(f"A new key stands first in {conf.KEY_FILE}. {RESTART}")

    def rotate(self) -> None:
        try:
            tallies = list(key_rotation.rotate())
        except (ImproperlyConfigured, ValueError) as error:
            raise CommandError(f"FIELD_KEYS cannot be used: {error}") from error
        for each in tallies:
            if each.stored:
                self.stdout.write(
                    f"{each.column}: {each.stored} stored, {each.rotated} re-encrypted, "
                    f"{each.unreadable} unreadable"
                )
        rotated = sum(each.rotated for each in tallies)
        unreadable = sum(each.unreadable for each in tallies)
        if rotated:
            AuditEntry.note("keys.rotated", shop=None, user=None, secrets=rotated)
        if unreadable:
            self.stderr.write(
                f"{unreadable} cannot be read with any key: put the key they were encrypted with "
                "back into FIELD_KEYS, or enter these secrets again."
            )
        stored = sum(each.stored for each in tallies)
        self.stdout.write(f"{stored} secrets, {rotated} re-encrypted with the first key.")

    def drop_old(self) -> None:
        """Counts once more: a process with the old keys may have stored something meanwhile."""
        path = self.file("take the others out of FIELD_KEYS where you keep them")
        left = sum(each.older + each.unreadable for each in key_rotation.count())
        if left:
            raise CommandError(f"{left} secrets are not on the first key: no key was dropped.")
        kept = key_file.split_keys(path.read_text())
        if kept[:1] != list(conf.FIELD_KEYS[:1]):
            raise CommandError("The key file has changed since this command began: run it again.")
        key_file.write_keys(path, kept[:1])
        AuditEntry.note("keys.dropped", shop=None, user=None, keys=len(kept) - 1)
        self.stdout.write(
            f"{len(kept) - 1} older keys were dropped. Backups from before need them: keep those "
            "with their own copy of the keys."
        )

    def file(self, instead: str) -> Path:
        if not conf.KEY_FILE:
            raise CommandError(f"FIELD_KEYS come from the environment or from settings: {instead}.")
        return Path(conf.KEY_FILE)
