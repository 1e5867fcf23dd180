module github.com/ferry-ops/ferry

go 1.26.0

require (
	github.com/ProtonMail/go-crypto v1.5.2
	github.com/google/rpmpack v0.7.1
	golang.org/x/sync v0.24.0
)

require (
	github.com/cavaliergopher/cpio v1.0.1 // indirect
	github.com/cloudflare/circl v1.6.3 // indirect
	github.com/klauspost/compress v1.18.0 // indirect
	github.com/klauspost/pgzip v1.2.6 // indirect
	github.com/ulikunitz/xz v0.5.12 // indirect
	golang.org/x/crypto v0.41.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
)
