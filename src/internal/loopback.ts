/**
 * Whether a host is this machine: by name (RFC 6761 §6.3), or by address, as a URL writes it (`[::1]`) or as a socket
 * does (`::1`, `::ffff:127.0.0.1`).
 */
export const isLoopback = (host: string): boolean =>
  /^(localhost|.+\.localhost|\[::1\]|::1|(::ffff:)?127(\.\d{1,3}){3})$/.test(host)
