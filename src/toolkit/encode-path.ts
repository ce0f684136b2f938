/** A decoded path as it stands in a URL (RFC 3986, section 3.3). A lone surrogate, which has no UTF-8, becomes U+FFFD. */
export function encodePath(path: string): string {
  return path.replace(/[^A-Za-z0-9/\-._~!$&'()*+,;=:@]+/g, (part) => encodeURIComponent(Buffer.from(part).toString()))
}
