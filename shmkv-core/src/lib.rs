//! shmkv
