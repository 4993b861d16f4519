"""What a shop had before it knew of Postroom."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class Staff(AbstractUser):
    till = models.CharField(max_length=20, blank=True)


class Customer(models.Model):
    email = models.EmailField(blank=True)
    given = models.CharField(max_length=60)
    family = models.CharField(max_length=60)

    def __str__(self) -> str:
        return self.full_name()

    def full_name(self) -> str:
        return f"{self.given} {self.family}"


class Order(models.Model):
    reference = models.CharField(max_length=40, blank=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    status = models.CharField(max_length=1, default="N")
    parcel_link = models.URLField(blank=True)
    shelf = models.CharField(max_length=20, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.reference


class OrderItem(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items")
    title = models.CharField(max_length=120)
    amount = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=10, decimal_places=2)

    def __str__(self) -> str:
        return self.title
