from django.apps import AppConfig
from django.core.management import call_command
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def make_cache_table(**kwargs: object) -> None:
    """The shared cache lies in the database; a plain ``migrate`` is to be enough for it."""
    call_command("createcachetable", verbosity=0, database=kwargs["using"])


class ShopsConfig(AppConfig):
    name = "shops"
    verbose_name = _("Shops and orders")

    def ready(self) -> None:
        post_migrate.connect(make_cache_table, sender=self)
