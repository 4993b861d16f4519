from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from what moves the rows: PostgreSQL alters no table that has rows just deleted."""

    dependencies = [
        ('templates_tx', '0003_templates_types_and_conditions'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='templateassignment',
            name='template',
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.UniqueConstraint(condition=models.Q(('shop__isnull', False)), fields=('shop', 'message_type', 'language'), name='template_one_of_a_shop'),
        ),
    ]
