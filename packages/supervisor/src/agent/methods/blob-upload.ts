/** Something to be kept as a blob. */
export interface Blob {
  /** May hold slashes. */
  readonly name: string
  /** A media type. */
  readonly contentType: string
  /** Read once. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Takes blobs for a container that others own: of Azure Storage, or anything that has an address. */
export interface BlobUpload {
  /**
   * Resolves when the whole blob is kept.
   *
   * @param containerUrl - address of the container, with the signature that lets in: a secret
   */
  put(containerUrl: string, blob: Blob, signal: AbortSignal): Promise<void>
}
