"""Orders of somebody else's model: ``connect()`` it, and they raise the signals of this app.

What happened is seen by comparing an order with what was last announced of it (``AnnouncedOrder``),
at the end of the transaction that saved it: only then are its lines there, and still nothing is
committed. ``docs/foreign-orders.md`` explains why, and what the shop's own code has to do after
``bulk_create()`` and ``update()``, which Django tells nobody about.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cached_property, partial
from itertools import batched
from math import inf
from typing import Any

from django.db import InterfaceError, OperationalError, connections, models, router, transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.utils import timezone

from shops import signals
from shops.before_commit import before_commit
from shops.facts import OrderFacts
from shops.models import Shop
from shops.models.announced import AnnouncedOrder
from shops.models.order_states import PaymentState
from shops.order_adapter import STATES, AdapterError, LineAdapter, OrderAdapter

__all__ = [
    "AdapterError",
    "LineAdapter",
    "OrderAdapter",
    "adopt",
    "catch_up",
    "changed",
    "connect",
    "placed",
]

logger = logging.getLogger(__name__)

type OrderModel = type[models.Model]

AT_ONCE = 500  # orders compared in one go
CATCH_UP_AT_ONCE = 50  # orders announced late in one transaction
LINES_COME_WITHIN = timedelta(seconds=30)
GIVEN_UP_AFTER = timedelta(days=1)

_adapters: dict[OrderModel, OrderAdapter] = {}


class MappedOrder:
    """A foreign order as the signals carry it: ``shops.facts.OrderLike``."""

    def __init__(self, instance: models.Model, adapter: OrderAdapter) -> None:
        self.instance, self.adapter = instance, adapter

    def __str__(self) -> str:
        return self.number

    @cached_property
    def shop(self) -> Shop:
        return self.adapter.shop_of(self.instance)

    @cached_property
    def number(self) -> str:
        number = self.adapter.text(self.instance, "number")
        if not number:
            raise self.adapter.refuse("number", "the order has none")
        return number

    @cached_property
    def email(self) -> str:
        """Empty if it cannot be read: ``facts()`` says why, and a held message shows it."""
        try:
            return self.adapter.text(self.instance, "email")
        except AdapterError:
            return ""

    def facts(self) -> OrderFacts:
        return self.adapter.read(self.instance)


def connect(model: OrderModel, adapter: type[OrderAdapter]) -> None:
    """Announces orders of ``model``, read through ``adapter``, from now on. Call it in ``ready()``.

    Raises ``AdapterError`` that names the attribute of ``adapter`` that does not fit ``model``.
    """
    adapter.check(model)
    known = _adapters.setdefault(model, adapter())
    if type(known) is not adapter:
        raise AdapterError(f"{model.__name__} is connected with {type(known).__name__} already")
    uid = f"shops.hooks.{model._meta.label_lower}"
    pre_save.connect(_before_save, sender=model, dispatch_uid=uid)
    post_save.connect(_after_save, sender=model, dispatch_uid=uid)
    post_delete.connect(_after_delete, sender=model, dispatch_uid=uid)


def changed(orders: models.QuerySet[Any]) -> int:
    """Announces what ``update()`` or ``bulk_update()`` did to ``orders``; returns to how many.

    Runs inside the caller's transaction. Orders from before ``connect()`` are only taken note of.
    """
    using = _database_of(orders.model)
    told = 0
    with transaction.atomic(using=using):
        adopt(orders)
        for keys in _batches(orders):
            told += _compare(orders.model, keys, using)
    return told


def placed(*orders: models.Model) -> int:
    """Announces ``orders`` as new, unless they were announced; returns how many.

    For ``bulk_create()``, and for orders that are saved outside a transaction, after their lines.
    """
    if not orders:
        return 0
    model = type(orders[0])
    using = _database_of(model)
    with transaction.atomic(using=using):
        _marks(using).bulk_create(
            [_blank(model, order.pk) for order in orders], ignore_conflicts=True
        )
        return _compare(model, [order.pk for order in orders], using, place=True)


def adopt(orders: models.QuerySet[Any]) -> int:
    """Takes note of ``orders`` as they are, without a word to anybody; returns how many were new.

    For orders from before ``connect()``: of what happened to them earlier nothing is sent.
    """
    using = _database_of(orders.model)
    return sum(_adopt(orders.model, keys, using) for keys in _batches(orders))


def catch_up(*, seconds: float = inf) -> int:
    """Announces orders that were saved outside a transaction a while ago, now with their lines.

    Begins nothing new after ``seconds``: what is left comes with the next call. Every connected
    model has one transaction at least.
    """
    ends, told = time.monotonic() + seconds, 0
    for model in _adapters:
        using = _database_of(model)
        for keys in batched(_owed(model, using), CATCH_UP_AT_ONCE):
            told += _compare(model, keys, using, place=True)
            if time.monotonic() >= ends:
                break
    return told


def _owed(model: OrderModel, using: str) -> list[str]:
    """Keys of orders whose announcement is late, in an order that changes from call to call:
    those that fail each time must not keep the others from their turn."""
    now = timezone.now()
    rows = _marks(using).filter(
        source=_source(model),
        placed_at=None,
        created_at__range=(now - GIVEN_UP_AFTER, now - LINES_COME_WITHIN),
    )
    return list(rows.order_by("?").values_list("key", flat=True))


def _adapter(model: OrderModel) -> OrderAdapter:
    try:
        return _adapters[model]
    except KeyError:
        raise AdapterError(f"{model.__name__} is not connected: call hooks.connect()") from None


def _database_of(model: OrderModel) -> str:
    _adapter(model)
    return router.db_for_write(model)


def _source(model: OrderModel) -> str:
    concrete = model._meta.concrete_model or model
    return concrete._meta.label_lower


def _marks(using: str) -> models.QuerySet[AnnouncedOrder]:
    return AnnouncedOrder.objects.using(using)


def _blank(model: OrderModel, key: Any) -> AnnouncedOrder:
    return AnnouncedOrder(source=_source(model), key=str(key))


def _batches(rows: models.QuerySet[Any], field: str = "pk") -> Iterable[tuple[Any, ...]]:
    """In one order, so that two who compare at once wait for each other instead of locking up."""
    return batched(list(rows.order_by(field).values_list(field, flat=True)), AT_ONCE)


def _never_breaking(work: Callable[[], Any], what: str, using: str) -> Any:
    """Runs ``work`` in a savepoint. Only a database that is gone is the shop's business."""
    try:
        with transaction.atomic(using=using):
            return work()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("%s could not be announced", what)
        return None


def _before_save(
    sender: OrderModel, instance: models.Model, raw: bool, using: str, **kwargs: Any
) -> None:
    """The last moment at which the state of an order from before ``connect()`` can be seen."""
    if raw or instance._state.adding:
        return
    work = partial(_adopt, sender, [instance.pk], using)
    _never_breaking(work, f"{_source(sender)} {instance.pk}", using)


def _after_save(
    sender: OrderModel,
    instance: models.Model,
    created: bool,
    raw: bool,
    using: str,
    **kwargs: Any,
) -> None:
    if raw:
        return
    what = f"{_source(sender)} {instance.pk}"
    if created:
        _never_breaking(partial(_owe, sender, instance.pk, using), what, using)
        if _awaits_lines(_adapter(sender), instance, using):
            return
    compare = partial(_compare, sender, [instance.pk], using, place=created)
    before_commit(partial(_never_breaking, compare, what, using), using=using, key=(what, created))


def _after_delete(sender: OrderModel, instance: models.Model, using: str, **kwargs: Any) -> None:
    _marks(using).filter(source=_source(sender), key=str(instance.pk)).delete()


def _owe(model: OrderModel, key: Any, using: str) -> None:
    """From now on the order's announcement is owed, whatever happens to this process."""
    _marks(using).bulk_create([_blank(model, key)], ignore_conflicts=True)


def _awaits_lines(adapter: OrderAdapter, instance: models.Model, using: str) -> bool:
    """True for an order that was saved outside a transaction, so necessarily before its lines."""
    if adapter.lines is None or connections[using].in_atomic_block:
        return False
    try:
        return next(adapter.lines_of(instance), None) is None
    except AdapterError:
        return False


def _adopt(model: OrderModel, keys: Iterable[Any], using: str) -> int:
    keys = list(keys)
    noted = _marks(using).filter(source=_source(model), key__in=[str(key) for key in keys])
    known = set(noted.values_list("key", flat=True))
    unknown = [key for key in keys if str(key) not in known]
    if not unknown:
        return 0
    marks = []
    for instance in model._base_manager.using(using).filter(pk__in=unknown):
        mark = _blank(model, instance.pk)
        mark.placed_at = timezone.now()
        _update(mark, MappedOrder(instance, _adapter(model)))
        marks.append(mark)
    return len(_marks(using).bulk_create(marks, ignore_conflicts=True))


def _compare(model: OrderModel, keys: Iterable[Any], using: str, *, place: bool = False) -> int:
    """Announces how orders differ from what was announced last; returns how many did.

    The orders are read anew: what an instance holds need not be what was saved. Orders that were
    never announced wait for the one who may say that they are complete (``place``).
    """
    keys = list(keys)
    told = 0
    with transaction.atomic(using=using):
        locked = _marks(using).select_for_update().order_by("key")
        marks = {
            mark.key: mark
            for mark in locked.filter(source=_source(model), key__in=[str(key) for key in keys])
        }
        for instance in model._base_manager.using(using).filter(pk__in=keys).order_by("pk"):
            mark = marks.get(str(instance.pk))
            if mark is None or (mark.placed_at is None and not place):
                continue
            order = MappedOrder(instance, _adapter(model))
            work = partial(_announce, model, order, mark)
            told += bool(_never_breaking(work, f"{mark}", using))
    return told


def _announce(model: OrderModel, order: MappedOrder, mark: AnnouncedOrder) -> bool:
    """Raises the signals that are due for one order. False if there is nothing new."""
    is_new = mark.placed_at is None
    changes = _update(mark, order)
    if not is_new and not changes:
        return False
    mark.placed_at = mark.placed_at or timezone.now()
    mark.save()
    if is_new:
        signals.order_placed.send(model, order=order)
    else:
        for field in STATES.keys() & changes.keys():
            before, after = changes[field]
            signals.order_changed.send(model, order=order, field=field, before=before, after=after)
    if "payment_state" in changes and mark.payment_state == PaymentState.PAID:
        signals.order_paid.send(model, order=order, before=changes["payment_state"][0])
    if "tracking" in changes and mark.tracking:
        parcel = order.adapter.text(order.instance, "tracking_number") or mark.tracking
        before, _after = changes.get("delivery_state", (mark.delivery_state, ""))
        signals.order_shipped.send(model, order=order, parcel=parcel, before=before)
    return True


def _update(mark: AnnouncedOrder, order: MappedOrder) -> dict[str, tuple[str, str]]:
    """Writes what the order says now into ``mark``; returns what changed, from what to what.

    What cannot be read is left as it was and logged.
    """
    adapter, instance = order.adapter, order.instance
    changes: dict[str, tuple[str, str]] = {}
    for field in (*STATES, "tracking"):
        try:
            after = (
                _tracking(adapter, instance)
                if field == "tracking"
                else adapter.state_of(instance, field)
            )
        except AdapterError as error:
            logger.error("%s %s", mark, error)
            continue
        before = getattr(mark, field)
        setattr(mark, field, after)
        # A state that could not be read before has not changed: the adapter was mended.
        was_read = bool(before) or field == "tracking" or mark.placed_at is None
        if before != after and was_read:
            changes[field] = (before, after)
    return changes


def _tracking(adapter: OrderAdapter, instance: models.Model) -> str:
    """What tells one parcel from the next: its link, else its number."""
    link = adapter.text(instance, "tracking_url") or adapter.text(instance, "tracking_number")
    return link[:500]
