"""The local cloud: an emulator of AWS, the stack of `template.yaml` deployed to it, and one front door on one port.

Nothing is installed outside the clone, and everything that runs is recorded under `target/local/<port>/`, so that `down` can end it.
"""
