"""A plugin of LocalStack: its functions run as plain processes, and what of it differs from AWS where the suites look is mended.

LocalStack finds it by its entry points, on its PYTHONPATH. It touches internals of 4.9.2: check each on an upgrade of the pin.
"""
