module github.com/ferry-ops/ferry

go 1.26
