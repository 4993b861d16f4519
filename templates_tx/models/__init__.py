"""What is said, and when, from whom: templates with versions, and their assignment per shop."""

from templates_tx.models.assignment import TemplateAssignment
from templates_tx.models.own_type import OwnMessageType, TypeAttachment
from templates_tx.models.template import MessageTemplate, TemplateDraft, TemplateVersion

__all__ = [
    "MessageTemplate",
    "OwnMessageType",
    "TemplateAssignment",
    "TemplateDraft",
    "TemplateVersion",
    "TypeAttachment",
]
