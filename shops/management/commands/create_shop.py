"""Makes a shop; its default sender account comes with it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from shops.addresses import validate_address
from shops.membership import account_of, invite
from shops.models import AuditEntry, Membership, Role, Shop
from shops.models.shop import Currency, Language

# Column → the option that fills it.
OPTIONS = {
    "name": "--name",
    "slug": "--slug",
    "domain": "--domain",
    "language": "--language",
    "currency": "--currency",
    "contact_email": "--contact-email",
    "time_zone": "--time-zone",
}


class Command(BaseCommand):
    help = "Makes a shop and prints its short name (slug)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="as customers know it")
        parser.add_argument("--slug", required=True, help="short name in the panel's addresses")
        parser.add_argument("--domain", required=True, help="e.g. rowerownia.pl")
        parser.add_argument("--language", default="en", help=", ".join(Language.values))
        parser.add_argument("--currency", default="EUR", help=", ".join(Currency.values))
        parser.add_argument("--contact-email", required=True, help="customers' answers go here")
        parser.add_argument("--time-zone", default="Europe/Warsaw")
        parser.add_argument(
            "--owner",
            metavar="EMAIL",
            help="becomes the shop's admin; is invited by mail if there is no such user yet",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop(**{column: options[column] for column in OPTIONS})
        with transaction.atomic():
            self._save(shop)
            if options["owner"]:
                self._give_to(shop, options["owner"])
        self.stdout.write(shop.slug)

    def _save(self, shop: Shop) -> None:
        try:
            shop.clean()
            shop.full_clean()
            validate_address(shop.contact_email)
        except ValidationError as error:
            found = error.message_dict if hasattr(error, "error_dict") else {}
            told = found or {"contact_email": error.messages}
            raise CommandError(
                "\n".join(
                    f"{OPTIONS.get(column, column)}: {' '.join(texts)}"
                    for column, texts in told.items()
                )
            ) from error
        shop.save()
        AuditEntry.note("shop.created", shop=shop, user=None, target=shop.slug)

    def _give_to(self, shop: Shop, email: str) -> None:
        try:
            validate_address(email)
        except ValidationError as error:
            raise CommandError(f"--owner: {' '.join(error.messages)}") from error
        owner = account_of(email)
        if owner is not None:
            # The user model of somebody else's project may be another than Django's own.
            user = get_user_model().objects.get(pk=owner.pk)
            Membership.objects.create(shop=shop, user=user, role=Role.ADMIN)
            return
        _invitation, link = invite(shop, email, Role.ADMIN, None)
        self.stderr.write(f"{email} is invited as admin by mail; the link works once:\n{link}")
