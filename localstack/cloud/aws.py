"""Who the local cloud is on AWS, wherever that is emulated."""

REGION = "eu-west-1"
ACCESS_KEY = "test"
SECRET_KEY = "test"
