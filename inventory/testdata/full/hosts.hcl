# Every form an HCL inventory has.
group "el" {
  user          = "admin"
  identity_file = "keys/id_ed25519"
  become        = true
  vars = {
    mirror = "http://mirror.example"
    tags   = ["a", "b"]
    api    = sensitive("hunter2")
  }

  host "web[01:03]" {
    address = "10.0.0.[1:3]"
    vars    = { role = "web" }
  }
  host "el-1" {
    address         = "10.1.0.11"
    port            = 2222
    become          = false
    connect_timeout = "15s"
    jump            = ["admin@bastion.example:2200", "inner"]
    host_key_policy = "accept-new"
    password        = "hunter2"
  }
  children = ["db"]

  group "canary" {
    hosts = ["web01"]
    vars  = { mirror = "http://canary.example" }
  }
}

group "db" {
  user = "dba"
  host "db1" { known_hosts_file = "~/known" }
}

group "all" {
  vars = { site = upper("east"), nothing = null }
}

host "alone.example" {}
host "localhost" { connection = "local" }
