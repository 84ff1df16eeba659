"""What the services of disio agree on: words, messages, payload specs, errors.

Rule: nothing here knows a service; services meet only in this package.
"""

__version__ = "0.1.0"
