"""Telling people and other systems: written with what it tells of, sent when that is durable, tried until accepted."""

from .mail import Mail
from .model import News, Notice
from .service import Notifier
from .webhook import Webhook

__all__ = ["Mail", "News", "Notice", "Notifier", "Webhook"]
