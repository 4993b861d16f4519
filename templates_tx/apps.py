from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def load_built_in(**kwargs: object) -> None:
    """Brings the built-in templates of this release into the database."""
    from templates_tx.built_in import sync

    sync()


class TemplatesTxConfig(AppConfig):
    name = "templates_tx"
    verbose_name = _("Transactional messages")

    def ready(self) -> None:
        from maillog import registry
        from shops import previews
        from templates_tx import audit_words, mending, preview, receivers, renderer, types  # noqa: F401  # noqa: F401

        audit_words.register()
        registry.renderers["email"] = renderer.render
        registry.menders["email"] = mending.mended
        registry.editors["email"] = mending.editor_url
        registry.type_names.append(renderer.type_names)
        previews.previewers.append(preview.preview)
        post_migrate.connect(load_built_in, sender=self)
