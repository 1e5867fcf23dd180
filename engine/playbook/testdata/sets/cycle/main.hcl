use "other" { source = "../cycle2" }
