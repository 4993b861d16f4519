"""The outbox, which is the log: messages, their deliveries, and every attempt."""

from maillog.models.body import AttachmentFile, MessageAttachment, MessageBody
from maillog.models.delivery import Attempt, Delivery
from maillog.models.ledger import SentKey, Suppression, WorkerBeat
from maillog.models.message import MailMessage

__all__ = [
    "Attempt",
    "AttachmentFile",
    "Delivery",
    "MailMessage",
    "MessageAttachment",
    "MessageBody",
    "SentKey",
    "Suppression",
    "WorkerBeat",
]
