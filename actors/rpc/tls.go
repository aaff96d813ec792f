package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// TLS has nodes talk over TLS: server is for those that connect to this one,
// client for those that it connects to. Each node does both, so both are needed.
func TLS(server, client *tls.Config) Option {
	return func(o *config) error {
		if server == nil || client == nil {
			return errors.New("rpc: TLS: must not be nil")
		}
		o.server = []grpc.ServerOption{grpc.Creds(credentials.NewTLS(server))}
		o.transport = grpc.WithTransportCredentials(credentials.NewTLS(client))
		return nil
	}
}

// MutualTLS is [TLS] 1.3 between nodes that know each other: each shows the
// certificate, which must be good for its address and for both sides, and takes
// none that the authorities have not signed.
func MutualTLS(certificate tls.Certificate, authorities *x509.CertPool) Option {
	if authorities == nil {
		return func(*config) error { return errors.New("rpc: MutualTLS: there are no authorities") }
	}
	certificates := []tls.Certificate{certificate}
	return TLS(
		&tls.Config{
			Certificates: certificates,
			ClientCAs:    authorities,
			ClientAuth:   tls.RequireAndVerifyClientCert,
			MinVersion:   tls.VersionTLS13,
		},
		&tls.Config{Certificates: certificates, RootCAs: authorities, MinVersion: tls.VersionTLS13},
	)
}
