/** A URL in its parts (https://url.spec.whatwg.org/#concept-url). */
export interface UrlRecord {
  scheme: string;
  username: string;
  password: string;
  host: string | null;
  port: string;
  /** A text when it is opaque. */
  path: string[] | string;
  query: string | null;
  fragment: string | null;
}
