/** The X.509 library, as loaded. */
export type X509Library = typeof import('@peculiar/x509')

/**
 * Loads the X.509 library when it is first needed: it takes a quarter of a second and a polyfill of `Reflect`, neither
 * of which may fall on programs that only import this package.
 */
export async function loadX509(): Promise<X509Library> {
  await import('reflect-metadata/lite')
  return await import('@peculiar/x509')
}

/** A name that is one common name, exactly as given: the library's text forms give some characters a meaning. */
export function distinguishedName(x509: X509Library, commonName: string): InstanceType<X509Library['Name']> {
  return new x509.Name([{ CN: [{ utf8String: commonName }] }])
}
