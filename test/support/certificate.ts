import { execFileSync } from 'node:child_process'

/** Writes a private key and a self-signed certificate for localhost and 127.0.0.1, valid for two days. */
export function makeCertificate({ key, certificate }: { key: string; certificate: string }): void {
  const options = [
    ['-newkey', 'rsa:2048'],
    ['-days', '2'],
    ['-subj', '/CN=localhost'],
    ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ['-keyout', key],
    ['-out', certificate],
  ]
  execFileSync('openssl', ['req', '-x509', '-nodes', ...options.flat()], { stdio: 'ignore' })
}
