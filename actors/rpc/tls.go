package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"
)

// TLS has nodes talk over TLS: server is for nodes that connect to this one, client for
// nodes that it connects to. Each node does both, so both are needed.
//
// TLS does not compare the address that a node claims with its certificate. [MutualTLS]
// does.
func TLS(server, client *tls.Config) Option {
	return func(o *config) error {
		if server == nil || client == nil {
			return errors.New("rpc: TLS: must not be nil")
		}
		o.server, o.transport, o.checkClaims = credentials.NewTLS(server), credentials.NewTLS(client), false
		return nil
	}
}

// MutualTLS is TLS 1.3 between nodes that know each other. Each shows the certificate,
// which must be good for its address and for both sides. Each takes none that the
// authorities have not signed.
//
// A node is heard only if its certificate is for the host of the address that it claims.
// So the certificate names the host that other nodes connect to, by name or by IP
// address: that of [Advertised] if there is one. [Authorize] is given the certificate.
func MutualTLS(certificate tls.Certificate, authorities *x509.CertPool) Option {
	if authorities == nil {
		return func(*config) error { return errors.New("rpc: MutualTLS: there are no authorities") }
	}
	certificates := []tls.Certificate{certificate}
	both := TLS(
		&tls.Config{
			Certificates: certificates,
			ClientCAs:    authorities,
			ClientAuth:   tls.RequireAndVerifyClientCert,
			MinVersion:   tls.VersionTLS13,
		},
		&tls.Config{Certificates: certificates, RootCAs: authorities, MinVersion: tls.VersionTLS13},
	)
	return func(o *config) error {
		err := both(o)
		o.checkClaims = true
		return err
	}
}

// certificateOf returns the verified certificate of a peer, or nil if there is none. A
// certificate that nobody has verified is none.
func certificateOf(info credentials.AuthInfo) *x509.Certificate {
	secured, ok := info.(credentials.TLSInfo)
	if !ok || len(secured.State.VerifiedChains) == 0 {
		return nil
	}
	return secured.State.PeerCertificates[0]
}

// checkClaim returns an error if a peer must not claim an address: with [MutualTLS] its
// certificate has to be for the host.
func (n *node) checkClaim(certificate *x509.Certificate, address string) error {
	if !n.config.Load().checkClaims {
		return nil
	}
	if certificate == nil {
		return fmt.Errorf("%s has shown no certificate", address)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if err := certificate.VerifyHostname(host); err != nil {
		return fmt.Errorf("the certificate is not for the address %s: %w", address, err)
	}
	return nil
}
