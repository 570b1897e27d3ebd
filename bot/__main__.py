"""`python -m bot` is `overdose-bot`."""

import sys

from bot.cli import main

sys.exit(main())
