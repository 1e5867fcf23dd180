stack "bad" { source = "../stacks/baddetect" }
play "site" { hosts = "all" }
# NOWHERE: Unknown block
# NOWHERE: Unknown task
# NOWHERE: Duplicate hook
