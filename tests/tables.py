"""Tables that tests declare for themselves: apart from the house's own, which backups and migrations go through."""

from sqlalchemy import MetaData

own = MetaData()
