"""What every floor stands on: ids, time, money, canonical JSON, errors. Standard library, and msgspec for JSON."""
