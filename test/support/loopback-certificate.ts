/**
 * Of `localhost` alone, signed by itself, for servers of tests; it proves nothing to anybody who
 * does not take it as his own authority. Made by `openssl req -x509 -newkey ec`.
 */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaBb/jI8Cia3IPfxr
kEb/ZgT7W78KV0NvzscnsasMpEWhRANCAARzoTHdsyEwd77fwSD9Bfb8vVMEWbeD
U9UgoBGo8pau09RX8ICkJvefGebpsCjij7/y1c6VlrGmAwJpF93BVHHK
-----END PRIVATE KEY-----`;

export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUH/nU/JK7GvC2FyiDX32HLn4Kr+kwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTIyMDYwMFoYDzIxMjYxMDI4
MjIwNjAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARzoTHdsyEwd77fwSD9Bfb8vVMEWbeDU9UgoBGo8pau09RX8ICkJvef
GebpsCjij7/y1c6VlrGmAwJpF93BVHHKo28wbTAdBgNVHQ4EFgQU4TwHd7QixHGo
mo35KgnUQtTsO58wHwYDVR0jBBgwFoAU4TwHd7QixHGomo35KgnUQtTsO58wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAIUrx+4Ix89UyCfN7Tvy089XLRVWjYvtbi8OCfYODxhhAiB9
jkmzA1VDJqFiZM9rSADfD2au9Q7tR0XfLhj8MENXhQ==
-----END CERTIFICATE-----`;
