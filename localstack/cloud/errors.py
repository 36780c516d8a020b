"""What can go wrong, in words for the person at the keyboard."""


class CloudError(Exception):
    """A fault that its message explains, together with what to do about it."""
