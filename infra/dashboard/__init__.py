"""What an operator looks at in CloudWatch: the dashboard, and the saved queries of logs. Both are made of `rows.yaml` and of what `template.yaml` has,
and written into `template.yaml` (`infra/dashboard/write`), which is all that is deployed. Metrics of our own are those that the code emits.
"""
