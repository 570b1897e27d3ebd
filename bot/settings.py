"""What the environment decides. Read once, by cli."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings by their names in the contract, from the environment or a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="OVERDOSE_BOT_", env_file=".env", extra="ignore", frozen=True)

    required_review: Literal["source-checked", "clinician"] = "source-checked"
    cache_home: Annotated[Path, Field(validation_alias="XDG_CACHE_HOME")] = Path("~/.cache")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def cache_folder(self) -> Path:
        """Where what can be made again is kept: vectors of questions, checkpoints of a training."""
        return self.cache_home.expanduser() / "overdose-bot"
