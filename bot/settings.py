"""What the environment decides. Read once, by cli."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings by their names in the contract, from the environment or a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="OVERDOSE_BOT_", env_file=".env", extra="ignore", frozen=True)

    required_review: Literal["source-checked", "clinician"] = "source-checked"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
