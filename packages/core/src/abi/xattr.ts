/**
 * xattr: flags of setxattr(2) and the limits and name spaces of xattr(7). Lengths in bytes.
 */

export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;
export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65536;
export const XATTR_LIST_MAX = 65536;

export const XATTR_SECURITY_PREFIX = "security.";
export const XATTR_SYSTEM_PREFIX = "system.";
export const XATTR_TRUSTED_PREFIX = "trusted.";
export const XATTR_USER_PREFIX = "user.";
/** File capabilities, capabilities(7). */
export const XATTR_NAME_CAPS = "security.capability";
/** EVM's digest or signature over the security attributes. */
export const XATTR_NAME_EVM = "security.evm";
/** IMA's digest or signature over the contents. */
export const XATTR_NAME_IMA = "security.ima";
/** SELinux's label. */
export const XATTR_NAME_SELINUX = "security.selinux";
/** Smack's label. */
export const XATTR_NAME_SMACK = "security.SMACK64";
/** AppArmor's label. */
export const XATTR_NAME_APPARMOR = "security.apparmor";
/** POSIX access control lists, acl(5). */
export const XATTR_NAME_POSIX_ACL_ACCESS = "system.posix_acl_access";
export const XATTR_NAME_POSIX_ACL_DEFAULT = "system.posix_acl_default";
