"""What the environment decides. Read once, by cli."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")
"""Where containers find secrets, each a file named as its setting."""
SQLITE = "sqlite:///"
"""What the address of an embedded database begins with; its path follows."""
POSTGRESQL = re.compile(r"postgresql://(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?]*)(?::[0-9]+)?(?:[/?].*)?")
"""The address of a database that is shared, as what opens it reads it."""
ORIGIN = re.compile(r"https?://(?:\*\.)?[A-Za-z0-9._-]+(?::[0-9]+)?/?")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """Settings by their names in the contract, from the environment, a `.env` file or a container's secrets."""

    model_config = SettingsConfigDict(
        env_prefix="OVERDOSE_BOT_",
        env_file=".env",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    telegram_token: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    telegram_mode: Literal["polling", "webhook"] = "polling"
    public_url: str | None = None
    webhook_secret: SecretStr | None = None
    secret_key: SecretStr | None = None
    database_url: SecretStr | None = None
    embed_origins: str = ""
    required_review: Literal["source-checked", "clinician"] = "source-checked"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    cache_home: Annotated[Path, Field(validation_alias="XDG_CACHE_HOME")] = Path("~/.cache")
    data_home: Annotated[Path, Field(validation_alias="XDG_DATA_HOME")] = Path("~/.local/share")

    @field_validator("telegram_token")
    @classmethod
    def _token(cls, token: SecretStr | None) -> SecretStr | None:
        number, colon, rest = (token.get_secret_value() if token else "1:x").partition(":")
        if not (
            number.isdigit() and colon and rest and rest.isascii() and not any(c.isspace() or c == "/" for c in rest)
        ):
            raise ValueError("not a token of BotFather, which reads like 123456:ABC-DEF")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        value = secret.get_secret_value() if secret else "x"
        if not (1 <= len(value) <= 256 and value.isascii() and value.replace("_", "").replace("-", "").isalnum()):
            raise ValueError("1 to 256 characters of A-Z, a-z, 0-9, _ and -, as Telegram asks")
        return secret

    @field_validator("telegram_api_url", "public_url")
    @classmethod
    def _address(cls, address: str | None) -> str | None:
        if address is None:
            return None
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("not an http or https address")
        return address.rstrip("/")

    @field_validator("embed_origins")
    @classmethod
    def _origins(cls, origins: str) -> str:
        # They become part of a header, which takes ASCII only and in which a semicolon begins another rule.
        if not all(ORIGIN.fullmatch(origin) for origin in origins.replace(",", " ").split()):
            raise ValueError("origins like https://school.example, separated by spaces; other letters as xn--...")
        return origins

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: SecretStr | None) -> SecretStr | None:
        address = url.get_secret_value() if url else ""
        if address.startswith(SQLITE):  # spelt out once: the key is to lie beside the very file that is opened
            return SecretStr(f"{SQLITE}{Path(address.removeprefix(SQLITE)).expanduser().absolute()}")
        if url and not address.startswith("postgresql://"):
            raise ValueError("sqlite:///PATH or postgresql://...")
        if url and not POSTGRESQL.fullmatch(address):
            raise ValueError("postgresql://USER:PASSWORD@HOST:PORT/NAME, with a PORT that is a number, or none")
        return url

    @model_validator(mode="after")
    def _together(self) -> Settings:
        public = urlsplit(self.public_url or "")
        if self.public_url and public.scheme != "https" and public.hostname not in LOOPBACK:
            raise ValueError("PUBLIC_URL must be https; http is for loopback only")
        if self.telegram_token and self.telegram_mode == "webhook" and not self.public_url:
            raise ValueError("TELEGRAM_MODE=webhook needs PUBLIC_URL")
        if self.database.startswith("postgresql://") and not self.secret_key:
            raise ValueError("SECRET_KEY is required with PostgreSQL")
        return self

    @property
    def cache_folder(self) -> Path:
        """Where what can be made again is kept: vectors of questions, checkpoints of a training."""
        return self.cache_home.expanduser() / "overdose-bot"

    @property
    def data_folder(self) -> Path:
        """Where an embedded database lies, and the secret key beside it."""
        url = self.database_url.get_secret_value() if self.database_url else ""
        if url.startswith(SQLITE):
            return Path(url.removeprefix(SQLITE)).parent
        return self.data_home.expanduser().absolute() / "overdose-bot"

    @property
    def database(self) -> str:
        """The address of the database."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"{SQLITE}{self.data_folder / 'overdose-bot.sqlite3'}"
