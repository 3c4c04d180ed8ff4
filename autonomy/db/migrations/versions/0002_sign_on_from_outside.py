"""sign-on from outside"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "group_grant",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "group_name", "kind", "value"),
    )
    op.create_table(
        "scim_group",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("display_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("scim_group_name", "scim_group", ["provider", "display_key"], unique=True)
    op.create_table(
        "service_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "used_token",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_used_token_expires_at"), "used_token", ["expires_at"], unique=False)
    op.create_table(
        "scim_account",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.name"],
        ),
        sa.PrimaryKeyConstraint("person"),
        sa.UniqueConstraint("user_key"),
    )
    op.create_index(op.f("ix_scim_account_provider"), "scim_account", ["provider"], unique=False)
    op.create_table(
        "scim_member",
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["scim_group.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.name"],
        ),
        sa.PrimaryKeyConstraint("group_id", "person"),
    )
    op.create_index(op.f("ix_scim_member_person"), "scim_member", ["person"], unique=False)
    op.drop_table("group_access")
    op.add_column("person", sa.Column("user_name", sa.Text(), nullable=True))
    op.add_column("session", sa.Column("provider", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("session", "provider")
    op.drop_column("person", "user_name")
    op.create_table(
        "group_access",
        sa.Column("group_name", sa.TEXT(), nullable=False),
        sa.Column("access", sa.TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("group_name", "access"),
    )
    op.drop_index(op.f("ix_scim_member_person"), table_name="scim_member")
    op.drop_table("scim_member")
    op.drop_index(op.f("ix_scim_account_provider"), table_name="scim_account")
    op.drop_table("scim_account")
    op.drop_index(op.f("ix_used_token_expires_at"), table_name="used_token")
    op.drop_table("used_token")
    op.drop_table("service_key")
    op.drop_index("scim_group_name", table_name="scim_group")
    op.drop_table("scim_group")
    op.drop_table("group_grant")
