use "back" { source = "../cycle" } # the cycle closes here
