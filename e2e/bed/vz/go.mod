// The files here are compiled as a part of Lima, in which the test bed puts them: see mac.go beside this directory.
module github.com/atomize-hq/worldsetup/e2e/bed/vz

go 1.26
