"""Passwords hashed as in production, but in a moment: a quarter of a second for each is what makes guessing slow."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Quick(PBKDF2PasswordHasher):
    iterations = 1000
