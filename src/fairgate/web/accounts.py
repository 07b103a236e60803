"""Staff accounts: Django's tables for them, and the making of an account. For the command line."""

import django
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection

from fairgate.core.errors import BadInput


def prepare() -> None:
    """Make or update Django's own tables, in their own schema; the settings come from the environment."""
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS django")
    call_command("migrate", verbosity=0, interactive=False)


def add(name: str, password: str) -> None:
    """A new staff account, or a new password for one that exists; raises BadInput for a weak password."""
    django.setup()
    try:
        validate_password(password)
    except ValidationError as error:
        raise BadInput("password", " ".join(error.messages), "choose a longer one") from error
    user, _made = get_user_model().objects.get_or_create(username=name)
    user.set_password(password)
    user.save()
