"""Django's settings, all of them from the environment.

DATABASE_URL      PostgreSQL; the domain's tables lie in `public`, Django's own (staff accounts, sessions) in `django`
FAIRGATE_HOME     folder with keys/, public/ and notices/; ./var when not given
FAIRGATE_ORIGIN   the address people use, as https://places.example.org; without it only this machine is served
FAIRGATE_SMS_FILE the providers of text messages, for their reports of what was delivered
FAIRGATE_PUSH_CONTACT  the mailto: address that push services are told; with it people can be told on their devices
FAIRGATE_PROXIES  how many proxies of ours stand before it, so that the address of who calls is known; 0 when not given
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from fairgate.core import webpush
from fairgate.store import keys, providers

PACKAGE = Path(__file__).resolve().parent.parent

DATABASE_URL = os.environ.get("DATABASE_URL", "")
FAIRGATE_HOME = Path(os.environ.get("FAIRGATE_HOME", "var")).resolve()
FAIRGATE_KEYS = keys.load(FAIRGATE_HOME)
FAIRGATE_ORIGIN = os.environ.get("FAIRGATE_ORIGIN", "").rstrip("/")
FAIRGATE_PROXIES = int(os.environ.get("FAIRGATE_PROXIES") or 0)
FAIRGATE_SMS_FILE = os.environ.get("FAIRGATE_SMS_FILE", "")
FAIRGATE_SMS_PROVIDERS = providers.load(Path(FAIRGATE_SMS_FILE)) if FAIRGATE_SMS_FILE else ()
FAIRGATE_PUSH_CONTACT = os.environ.get("FAIRGATE_PUSH_CONTACT", "")
FAIRGATE_PUSH_KEY = (  # by which browsers know us; none where devices are not told
    webpush.to_text(webpush.public_point(keys.load_push(FAIRGATE_HOME))) if FAIRGATE_PUSH_CONTACT else ""
)

DEBUG = False
SECRET_KEY = FAIRGATE_KEYS.derive("django").hex()
ROOT_URLCONF = "fairgate.web.urls"
ALLOWED_HOSTS = [urlsplit(FAIRGATE_ORIGIN).hostname or "127.0.0.1", "127.0.0.1", "localhost", "[::1]"]
APPEND_SLASH = False


def database(url: str) -> dict[str, object]:
    """Django's way of writing a database address, with a search path of its own so that tables never mix."""
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "fairgate.web.patient",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**parts, "options": "-c search_path=django"},
    }


DATABASES = {"default": database(DATABASE_URL)} if DATABASE_URL else {}

INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]
MIDDLEWARE = [
    "fairgate.web.middleware.headers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads at random, so that lengths tell nothing of what is inside
    "fairgate.web.middleware.language",
    "fairgate.web.middleware.known_host",
    "fairgate.web.told.trouble",
    "fairgate.web.middleware.database_away",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [PACKAGE / "web" / "templates"],
        "OPTIONS": {"environment": "fairgate.web.environment.environment"},
    }
]

# Languages: a cookie that the switch sets, else what the browser asks for.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [PACKAGE / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Over TLS everything is pinned to it; on this machine alone there is no TLS and nothing to pin.
_TLS = FAIRGATE_ORIGIN.startswith("https://")
if _TLS:
    CSRF_TRUSTED_ORIGINS = [FAIRGATE_ORIGIN]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _TLS
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "fairgate.web.views.errors.csrf"
SECURE_HSTS_SECONDS = 365 * 24 * 3600  # sent only with answers to secure requests
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_PATH = "/staff/"
SESSION_COOKIE_NAME = "staff"
SIGN_IN_HOURS = 12  # how long an applicant stays signed in
LOGIN_URL = "/staff/sign-in"

DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # every form here is a few hundred bytes
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGGING_CONFIG = None  # the process that serves decides how log lines look
