stack "plain" { source = "../stacks/plain" }
play "site" { hosts = "all" }
# NOWHERE: Unknown block
