const SECRET_NAME =
  /^(value|key)$|(apikey|accesskey|privatekey|secretkey|subscriptionkey|secret|password|token|authorization|cookie)$/;

/**
 * True for a name under which people put a secret itself, in any spelling:
 * `api_key`, `apiKey`, `X-Api-Key`. Documents are read, exported and audited,
 * so a secret in one is refused rather than kept.
 */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replace(/[^a-z]/g, ''));
}
