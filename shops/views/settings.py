"""Shop settings: name, place, language, logo and colours."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import UpdateView

from shops.forms import ShopSettingsForm, time_zones
from shops.models import AuditEntry, Role, Shop
from shops.scope import ShopScoped


class ShopSettings(ShopScoped, UpdateView):
    needed = Role.ACCOUNTS
    form_class = ShopSettingsForm
    template_name = "shops/settings.html"
    context_object_name = "edited"

    def get_object(self, queryset: object = None) -> Shop:
        # Apart from ``self.shop``: with wrong input the form writes into it what cannot be saved,
        # and the page around the form still shows the shop as it is.
        return Shop.objects.get(pk=self.shop.pk)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(time_zones=time_zones(), **kwargs)

    def form_valid(self, form: ModelForm) -> HttpResponse:
        answer = super().form_valid(form)
        if form.changed_data:
            AuditEntry.note(
                "shop.settings",
                shop=self.shop,
                user=self.request.user,
                target=self.shop.slug,
                fields=form.changed_data,
            )
        messages.success(self.request, _("The settings are saved."))
        return answer

    def get_success_url(self) -> str:
        return reverse("shops:settings", args=[self.shop.slug])
