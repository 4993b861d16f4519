"""Queues one message of a known type: the door for scripts and cron jobs."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from maillog.models import MailMessage
from maillog.outbox import key_text
from maillog.registry import RenderFailed
from maillog.states import WAITING
from shops.addresses import validate_address
from shops.models import Shop
from shops.models.shop import Language
from templates_tx.message_types import UnknownMessageType
from templates_tx.notify import notify
from templates_tx.own_types import find, types_of
from templates_tx.plans import NoTemplate
from templates_tx.renderer import render
from templates_tx.rendering import TemplateError

LARGEST_CONTEXT = 1_000_000  # bytes
LONGEST_OCCURRENCE = 2000  # characters


class Command(BaseCommand):
    help = (
        "Queues a message and prints its id. The shop's assignment decides account and template. "
        "With --occurrence the same thing is said once, however often the command runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("type", metavar="TYPE", help="e.g. customer.password_reset, own.points")
        parser.add_argument("--shop", required=True, metavar="SLUG")
        parser.add_argument("--to", required=True, metavar="ADDRESS")
        parser.add_argument("--name", default="", help="the recipient's name")
        parser.add_argument("--language", default="", help=", ".join(Language.values))
        parser.add_argument(
            "--context",
            metavar="FILE",
            help="a JSON object with what the template shows; - reads stdin",
        )
        parser.add_argument("--occurrence", default="", help="what happened once, e.g. reset:417")

    def handle(self, *args: Any, **options: Any) -> None:
        shop = check(options)
        context = read_context(options["context"]) if options["context"] else {}
        with transaction.atomic():
            message = self._queue(shop, context, options)
            if message is not None and message.state in WAITING:
                try_out(message)
        if message is None:
            self._said_before(shop, options)
        else:
            self.stdout.write(str(message.pk))

    def _queue(
        self, shop: Shop, context: dict[str, Any], options: dict[str, Any]
    ) -> MailMessage | None:
        try:
            return notify(
                options["type"],
                shop=shop,
                to=options["to"],
                name=options["name"],
                language=options["language"],
                context=context,
                occurrence=options["occurrence"],
            )
        except (TemplateError, ValueError) as error:
            raise CommandError(f"--context: {error}") from error
        except NoTemplate as error:
            raise CommandError(f"TYPE: there is no template for {error}") from error

    def _said_before(self, shop: Shop, options: dict[str, Any]) -> None:
        """The id of the message that said it, so that a repeated run prints the same."""
        first = MailMessage.objects.filter(
            shop=shop,
            message_type=options["type"],
            occurrence=key_text(options["occurrence"]),
        ).first()
        self.stderr.write(f"--occurrence: {options['occurrence']} was queued before")
        if first is not None:
            self.stdout.write(str(first.pk))


def check(options: dict[str, Any]) -> Shop:
    """The shop; raises ``CommandError`` that names the argument which is wrong."""
    for argument in ("type", "shop", "to", "name", "occurrence"):
        if not is_storable(options[argument]):
            option = "TYPE" if argument == "type" else f"--{argument}"
            raise CommandError(f"{option}: it holds a character that is no text")
    shop = Shop.objects.filter(slug=options["shop"]).first()
    if shop is None:
        raise CommandError(f"--shop: there is no shop “{options['shop']}”")
    try:
        find(options["type"], shop)
    except UnknownMessageType:
        known = ", ".join(each.code for each in types_of(shop))
        raise CommandError(f"TYPE: {options['type']} is none of {known}") from None
    try:
        validate_address(options["to"])
    except ValidationError as error:
        raise CommandError(f"--to: {' '.join(error.messages)}") from error
    if options["language"] and options["language"] not in Language.values:
        raise CommandError(
            f"--language: {options['language']} is none of {', '.join(Language.values)}"
        )
    if len(options["occurrence"]) > LONGEST_OCCURRENCE:
        raise CommandError(f"--occurrence: at most {LONGEST_OCCURRENCE} characters")
    return shop


def read_context(name: str) -> dict[str, Any]:
    """The JSON object in file ``name``, or on the standard input for "-".

    Raises ``CommandError``.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        if len(text) > LARGEST_CONTEXT:
            raise CommandError(f"--context: {name} has more than {LARGEST_CONTEXT} characters")
        found = json.loads(text)
    except OSError as error:
        raise CommandError(f"--context: {name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"--context: {name} is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--context: {name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CommandError(f"--context: {name} must hold a JSON object, {{…}}")
    if not is_storable(json.dumps(found, ensure_ascii=False)) or "\\u0000" in json.dumps(found):
        raise CommandError(f"--context: {name} holds a character that is no text")
    return found


def is_storable(text: str) -> bool:
    """False for what a database refuses: NUL, and bytes of a terminal that were not UTF-8."""
    return "\0" not in text and text == text.encode(errors="replace").decode()


def try_out(message: MailMessage) -> None:
    """Renders once now: whoever calls should hear of a missing value, not only the log."""
    try:
        render(message)
    except RenderFailed as error:
        raise CommandError(f"--context: {error}") from error
