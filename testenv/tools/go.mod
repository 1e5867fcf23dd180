// The tools of the project, pinned here so that their dependencies stay out of
// the main module.
module github.com/ferry-ops/ferry/testenv/tools

go 1.26.0
