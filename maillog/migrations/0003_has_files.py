from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def mark(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Says it of the messages that are there."""
    with_files = apps.get_model("maillog", "MessageAttachment").objects.values("message")
    apps.get_model("maillog", "MailMessage").objects.filter(pk__in=with_files).update(
        has_files=True
    )


class Migration(migrations.Migration):

    dependencies = [
        ('maillog', '0002_fewer_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailmessage',
            name='has_files',
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name='mailmessage',
            index=models.Index(fields=['account', '-id'], name='message_account_log'),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
